/** Whether a sum of powers of two holds this one. */
export const hasFlag = (flags: number, flag: number): boolean => Math.floor(flags / flag) % 2 === 1;
