import {
  type ASTNode,
  type ASTVisitFn,
  type ASTVisitor,
  BREAK,
  getEnterLeaveForKind,
  type Kind,
  type ValidationRule,
} from 'graphql';

/**
 * Makes one rule of several, with the same errors in the same order. graphql-js asks the visitor of each rule about all
 * 43 kinds of nodes, and at each node goes through all rules: this one knows which rules look at the kinds that are there.
 */
export function mergeRules(rules: readonly ValidationRule[]): ValidationRule {
  return (context) => {
    const runs = rules.map((rule): Run => ({ visitor: rule(context), skipped: null }));
    const stepsOf = new Map<Kind, readonly Step[]>();

    function stepsFor(kind: Kind): readonly Step[] {
      const known = stepsOf.get(kind);
      if (known !== undefined) return known;
      const steps: Step[] = [];
      for (const run of runs) {
        const { enter, leave } = getEnterLeaveForKind(run.visitor, kind);
        if (enter !== undefined || leave !== undefined) steps.push({ run, enter, leave });
      }
      stepsOf.set(kind, steps);
      return steps;
    }

    return {
      enter(node, key, parent, path, ancestors) {
        for (const { run, enter } of stepsFor(node.kind)) {
          if (run.skipped !== null || enter === undefined) continue;
          const result: unknown = enter(node, key, parent, path, ancestors);
          if (result === false) run.skipped = node;
          else if (result === BREAK) run.skipped = STOPPED;
        }
      },
      leave(node, key, parent, path, ancestors) {
        for (const { run, leave } of stepsFor(node.kind)) {
          if (run.skipped === node) run.skipped = null;
          else if (run.skipped === null && leave?.(node, key, parent, path, ancestors) === BREAK)
            run.skipped = STOPPED;
        }
      },
    };
  };
}

const STOPPED = 'stopped';

/** A rule on its way through a document. */
interface Run {
  readonly visitor: ASTVisitor;
  /** The node that it skips, with all that is in it; `STOPPED` for the rest of the document. */
  skipped: ASTNode | typeof STOPPED | null;
}

/** What a rule does at nodes of one kind. */
interface Step {
  readonly run: Run;
  readonly enter: ASTVisitFn<ASTNode> | undefined;
  readonly leave: ASTVisitFn<ASTNode> | undefined;
}
