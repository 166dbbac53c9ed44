/**
 * Does this when the test process ends, whatever became of its tests and hooks: a hook that fails keeps those after it from
 * running. What was added last is done first.
 */
export function atProcessEnd(action: () => void): void {
  if (actions.length === 0) process.once("exit", runAll);
  actions.push(action);
}

const actions: (() => void)[] = [];

function runAll(): void {
  for (const action of actions.reverse()) action();
}
