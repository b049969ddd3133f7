import type { UIMessage } from 'ai';
import type { ResumeEntry } from '../client/run.ts';

/**
 * The answers that a request gives to an interrupted run: those in its `body.resume`, else the approvals of tool calls that
 * its last message has, with `{approved, reason}` as their payload. Empty where it gives none.
 */
export function resumeOf(messages: readonly UIMessage[], given: unknown): readonly ResumeEntry[] {
  if (Array.isArray(given)) return given;
  const last = messages.at(-1);
  if (last?.role !== 'assistant') return [];
  return last.parts.flatMap((part) => {
    if (!('approval' in part) || part.state !== 'approval-responded') return [];
    const { id, approved, reason } = part.approval;
    const payload = { approved, ...(reason !== undefined && { reason }) };
    return [{ interruptId: id, status: 'resolved' as const, payload }];
  });
}
