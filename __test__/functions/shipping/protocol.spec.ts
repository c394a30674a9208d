import {declareCases} from '../../helpers/shipping-cases.js';

await declareCases('protocol.cases.js');
