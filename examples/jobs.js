/**
 * Functions for workers. As exports of a module they may use whatever a module may: imports, other functions, state.
 */
import {createHash} from 'node:crypto';

let imports = 0;
imports++;

/** How often this process has imported this module. */
export const importCount = () => imports;

/** The number that makes the hash of `text` begin with `prefix`: work to do, easy to check. */
export function findNonce(text, prefix) {
	for (let nonce = 0; ; nonce++) {
		if (hashOf(`${text}${nonce}`).startsWith(prefix)) {
			return nonce;
		}
	}
}

export const hashOf = text => createHash('sha256').update(text).digest('hex');

export class OutOfStockError extends Error {
	name = 'OutOfStockError';
	code = 'ERR_OUT_OF_STOCK';

	constructor(article, options) {
		super(`No ${article} left`, options);
		this.article = article;
	}
}

export function order(article) {
	try {
		JSON.parse('{"stock": ');
	} catch (error) {
		throw new OutOfStockError(article, {cause: error});
	}
}
