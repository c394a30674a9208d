import {declareCases} from '../../helpers/shipping-cases.js';

await declareCases('odd.cases.js');
