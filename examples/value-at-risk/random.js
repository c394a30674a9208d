/**
 * Random numbers that depend on a seed alone: a task draws the same ones in every process, also when it runs again.
 *
 * The generator is xoshiro128**, seeded by SplitMix64 as its authors advise (https://prng.di.unimi.it).
 */
/* eslint-disable no-bitwise -- the generators are made of it */

const mask = (1n << 64n) - 1n;

/** The first `count` numbers of SplitMix64. */
export function splitMix64(seed, count) {
	let state = BigInt(seed) & mask;
	return Array.from({length: count}, () => {
		state = (state + 0x9E_37_79_B9_7F_4A_7C_15n) & mask;
		let mixed = state;
		mixed = ((mixed ^ (mixed >> 30n)) * 0xBF_58_47_6D_1C_E4_E5_B9n) & mask;
		mixed = ((mixed ^ (mixed >> 27n)) * 0x94_D0_49_BB_13_31_11_EBn) & mask;
		return mixed ^ (mixed >> 31n);
	});
}

/** Whole numbers from 0 to 2^32 - 1. */
export class Xoshiro128 {
	#state;

	/** @param {readonly number[]} state four 32-bit numbers, not all of them 0 */
	constructor(state) {
		// Not plain fields: numbers of 32 bits would be allocated one by one in them.
		this.#state = Int32Array.from(state);
	}

	/** @param {number | bigint} seed */
	static fromSeed(seed) {
		const words = splitMix64(seed, 2).flatMap(word => [Number(word & 0xFF_FF_FF_FFn), Number(word >> 32n)]);
		return new Xoshiro128(words);
	}

	next() {
		const state = this.#state;
		const scrambled = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
		const shifted = state[1] << 9;
		state[2] ^= state[0];
		state[3] ^= state[1];
		state[1] ^= state[2];
		state[0] ^= state[3];
		state[2] ^= shifted;
		state[3] = rotateLeft(state[3], 11);
		return scrambled;
	}
}

const rotateLeft = (word, bits) => (word << bits) | (word >>> (32 - bits));
