/** Exit codes of a start (operators.md §1.1). Of this one: the next start fails alike until somebody changes something. */
export const configExitCode = 78;
/** The next start may succeed. */
export const temporaryExitCode = 75;
