//! What the last text of a worker tells of its death.

/// V8's words for every heap that is full, whatever stands before them: `FATAL ERROR: Reached heap limit Allocation failed`,
/// `FATAL ERROR: Ineffective mark-compacts near heap limit`. A native stack of a few dozen lines follows.
const FULL_HEAP: &[u8] = b"JavaScript heap out of memory";

/// Where V8 begins such a line.
const FATAL: &[u8] = b"FATAL ERROR:";

/// Whether V8 has said that the heap is full. A task can write the same, so it takes a fitting signal, too.
pub fn tell_a_full_heap(stderr_tail: &[u8]) -> bool {
	let is_in = |line: &[u8], words: &[u8]| line.windows(words.len()).any(|window| window == words);
	stderr_tail
		.split(|&byte| byte == b'\n')
		.any(|line| is_in(line, FATAL) && is_in(line, FULL_HEAP))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_words_of_every_full_heap_are_known() {
		for words in [
			"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
			"FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory",
			"FATAL ERROR: NewSpace::EnsureCurrentCapacity Allocation failed - JavaScript heap out of memory",
		] {
			let text = format!(
				"<--- Last few GCs --->\n\n{words}\n----- Native stack trace -----\n 1: 0x1 [node]\n"
			);
			assert!(tell_a_full_heap(text.as_bytes()), "{words}");
		}
	}

	#[test]
	fn other_last_words_are_not_those_of_a_full_heap() {
		for text in [
			"",
			"FATAL ERROR: v8::ToLocalChecked Empty MaybeLocal\n",
			"JavaScript heap out of memory, says the task\n",
			"FATAL ERROR: of the task\nJavaScript heap out of memory\n",
		] {
			assert!(!tell_a_full_heap(text.as_bytes()), "{text}");
		}
	}
}
