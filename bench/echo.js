/** The task of the benchmarks: gives its argument back. */
export const echo = value => value;
