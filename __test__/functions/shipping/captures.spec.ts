import {declareCases} from '../../helpers/shipping-cases.js';

await declareCases('captures.cases.js');
