/**
 * The numbers that an array of a formula may be made of. A field is a plain object of functions, so that one array class
 * serves ordinary doubles, double-doubles and numbers that track their own rounding error.
 */
export interface Field<S> {
  readonly name: string;
  readonly zero: S;
  /** Exact: every double is a number of every field. */
  readonly of: (value: number) => S;
  /** Rounded to the nearest double. */
  readonly value: (x: S) => number;
  readonly add: (x: S, y: S) => S;
  readonly sub: (x: S, y: S) => S;
  readonly mul: (x: S, y: S) => S;
  readonly div: (x: S, y: S) => S;
  /** 1/√x, and 0 where x = 0. */
  readonly rsqrtOrZero: (x: S) => S;
  /** Its own square root for an exponent of ½. */
  readonly pow: (x: S, exponent: number) => S;
  readonly exp: (x: S) => S;
  readonly log: (x: S) => S;
  readonly tanh: (x: S) => S;
  readonly erf: (x: S) => S;
  /** Σ x: a field may sum in an order, or bound the error of every order. */
  readonly sum: (terms: readonly S[]) => S;
  /** x − mean(x), of one group. */
  readonly center: (group: readonly S[]) => readonly S[];
}

/** x − (K + mean(x − K)), then centred once more, in the field's own arithmetic. K is the first element. */
export function centerTwice<S>(
  { sub, add, div, of, sum }: Pick<Field<S>, "sub" | "add" | "div" | "of" | "sum">,
  group: readonly S[],
): readonly S[] {
  const [first] = group;
  if (first === undefined) return group;
  const n = of(group.length);
  const mean = (values: readonly S[]): S => div(sum(values), n);
  const shift = add(first, mean(group.map((x) => sub(x, first))));
  const centered = group.map((x) => sub(x, shift));
  const rest = mean(centered);
  return centered.map((x) => sub(x, rest));
}
