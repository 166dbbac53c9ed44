/** The CA, or something between it and us, said what cannot be. The message is for operators. */
export class BadAnswer extends Error {}

/** The CA did not find its proof. */
export class ChallengeFailed extends Error {}
