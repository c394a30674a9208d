/** The name among `known` that `name` was probably meant to be, if there is one. */
export function closestName(name: string, known: readonly string[]): string | undefined {
	let closest: string | undefined;
	// A third of the letters may be wrong; further away, a suggestion only confuses.
	let smallest = Math.floor(name.length / 3) + 1;
	for (const candidate of known) {
		const distance = editDistance(plain(name), plain(candidate));
		if (distance < smallest) {
			smallest = distance;
			closest = candidate;
		}
	}

	return closest;
}

/** Python's max_workers and a wrong capital count as no mistake. */
const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** The Levenshtein distance. */
function editDistance(from: string, to: string): number {
	let previous = Array.from({length: to.length + 1}, (_, index) => index);
	for (const [row, letter] of [...from].entries()) {
		const current = [row + 1];
		for (const [column, other] of [...to].entries()) {
			current.push(Math.min(
				previous[column]! + (letter === other ? 0 : 1),
				previous[column + 1]! + 1,
				current[column]! + 1,
			));
		}

		previous = current;
	}

	return previous.at(-1)!;
}
