import {declareCases} from '../../helpers/shipping-cases.js';

await declareCases('shapes.cases.js');
