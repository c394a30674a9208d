import {declareCases} from '../../helpers/shipping-cases.js';

await declareCases('modules.cases.js');
