import {declareCases} from '../../helpers/shipping-cases.js';

await declareCases('sloppy.cases.cjs');
