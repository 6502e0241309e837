/** What `seedgrow explain` says of an error code. */
export interface Explanation {
  readonly means: string;
  /** The usual causes, the likeliest first. */
  readonly causes: readonly string[];
  /** Commands or steps, the quickest first. */
  readonly tries: readonly string[];
}
