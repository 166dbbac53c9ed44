/**
 * Loaded before every test file (`--import`). The runner limits the time of a test, not that of its file: with a process
 * that nobody stopped, a file whose tests have all ended never does, and CI waits with it.
 */
const limitMinutes = 20;

// The runner itself loads this too; it may take as long as all files.
if (process.env["NODE_TEST_CONTEXT"] !== undefined) setTimeout(end, limitMinutes * 60_000).unref();

function end(): void {
  const open = process.getActiveResourcesInfo().join(", ");
  process.stderr.write(`${process.argv[1]} still runs after ${limitMinutes} minutes, with ${open}\n`);
  process.exit(1);
}
