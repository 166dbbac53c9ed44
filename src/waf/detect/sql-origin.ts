/** Receives a kind and the indexes of the first and last token of what was found. */
export type Report = (kind: string, from: number, to: number) => void;

/** Where a chain of tokens starts. */
export interface Origin {
  /** After a quote that closes the application's own string; otherwise at the start of the value. */
  readonly closed: boolean;
  /** White space between that quote and the first token. */
  readonly gap: boolean;
  /** What stands before the quote is at most a few words, as data would be. */
  readonly shortPrefix: boolean;
  /** The value has no further quote of that sort. */
  readonly lone: boolean;
  /** A letter, digit or nothing stands right before that quote. */
  readonly behindData: boolean;
  /** What stands before the quote is one word of letters, digits and the signs of an address; not nothing. */
  readonly oneWord: boolean;
  /** The quote is the first character of the value. */
  readonly leading: boolean;
  /** Only the beginning of the value was cut into tokens. */
  readonly cut: boolean;
  /** Prose stands before it. */
  readonly prose: boolean;
}

/** The start of the value. */
export const bareOrigin: Origin = {
  closed: false,
  gap: false,
  shortPrefix: true,
  lone: false,
  behindData: false,
  oneWord: false,
  leading: false,
  cut: false,
  prose: false,
};

/** The start of a text of which only the beginning is read. */
export const cutOrigin: Origin = { ...bareOrigin, cut: true };

/** A place amid prose. */
export const amidOrigin: Origin = { ...cutOrigin, prose: true };
