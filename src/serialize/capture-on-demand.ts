/**
 * Stands for the capture of functions where that is loaded when it is needed: it brings a parser along, which most workers never use.
 */
import type {FunctionCapture} from '../functions/captured-function.js';

/** Thrown out of an encoder that met something that only the capture can describe: load it, and encode again. */
export class CaptureNeeded extends Error {
	override readonly name = 'CaptureNeeded';
}

const need = (): never => {
	throw new CaptureNeeded('The capture of functions is not loaded');
};

export const captureOnDemand: FunctionCapture = {
	capture: need, createVariables: need, builtinOf: need, namespaceUrl: need, internalClassOf: need, privateNameOf: need,
};
