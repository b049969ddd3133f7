import type { CallbackManagerForLLMRun } from '@langchain/core/callbacks/manager';
import { AIMessage, AIMessageChunk, type BaseMessage } from '@langchain/core/messages';
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { ChatGenerationChunk } from '@langchain/core/outputs';

/** A part of an answer: text, or a part of a tool call. */
export type AnswerPart = string | { readonly id?: string; readonly name?: string; readonly args: string };

/**
 * A chat model that answers each question by the next one of its answers, in parts, as models of providers do.
 * @param answers by how many messages of models the conversation has
 */
export class StreamingModel extends BaseChatModel {
  readonly #answers: readonly (readonly AnswerPart[])[];

  constructor(answers: readonly (readonly AnswerPart[])[]) {
    super({});
    this.#answers = answers;
  }

  override _llmType(): string {
    return 'streaming';
  }

  /** It needs no tools to answer. */
  override bindTools(): this {
    return this;
  }

  override _generate(): never {
    throw new TypeError('It only streams.');
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    _options: this['ParsedCallOptions'],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const answer = messages.filter((message) => AIMessage.isInstance(message)).length;
    for (const part of this.#answers[answer] ?? []) {
      const chunk = chunkOf(part);
      yield chunk;
      await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
    }
  }
}

function chunkOf(part: AnswerPart): ChatGenerationChunk {
  if (typeof part === 'string') {
    return new ChatGenerationChunk({ message: new AIMessageChunk({ content: part }), text: part });
  }
  const call = { ...part, index: 0, type: 'tool_call_chunk' } as const;
  return new ChatGenerationChunk({
    message: new AIMessageChunk({ content: '', tool_call_chunks: [call] }),
    text: '',
  });
}
