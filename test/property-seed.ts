import fc from "fast-check";

/**
 * Loaded before every test file (`--import`): property tests draw the same cases on every run, so that a build fails for
 * what changed and not for luck. `PROPERTY_SEED=random npm run test:run` looks for new ones; what it finds becomes an
 * `examples` entry of the property.
 */
const wanted = process.env["PROPERTY_SEED"] ?? "20261122";
if (wanted !== "random" && !/^-?\d+$/.test(wanted))
  throw new Error(`PROPERTY_SEED=${wanted}: wants a whole number or "random"`);
if (wanted !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
