/** Where a class of ours says what its instances are, as "a Future": they do not travel. */
export const untravelling = Symbol('what it is, and does not travel');
