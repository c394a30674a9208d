/** Functions and classes that were rebuilt in this process, on their way to another one. */
import type {CapturedCode} from './captured-function.js';
import {idOfClass} from './classes.js';
import {
	functionDecoration, noMembers, prototypeDecoration, type NaturalShape,
} from './own-properties.js';
import {provenanceOf} from './provenance.js';

/** Undefined for a function that was not rebuilt here. */
export function sentOn(fn: object): CapturedCode | undefined {
	const provenance = provenanceOf(fn);
	if (provenance === undefined) {
		return undefined;
	}

	const {code, values, members} = provenance;
	const natural: NaturalShape = {
		isClass: code.kind === 'class',
		name: code.name,
		length: Object.getOwnPropertyDescriptor(fn, 'length')?.value as number,
		...members ?? noMembers,
	};
	return {
		kind: 'code',
		code,
		values: [...values],
		names: code.captured.map(({parameter}) => parameter),
		classId: code.kind === 'class' ? idOfClass(fn)! : null,
		decoration: functionDecoration(fn, natural),
		prototypeDecoration: prototypeDecoration(fn, natural),
		place: {
			name: code.name === '' ? null : code.name,
			url: code.url,
			line: code.url === null ? null : code.line + 1,
			column: code.url === null ? null : code.column + 1,
		},
		isStable: false,
		isUnchanged: () => false,
	};
}
