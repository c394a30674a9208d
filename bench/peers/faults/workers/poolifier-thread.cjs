const {ThreadWorker} = require('poolifier');

module.exports = new ThreadWorker({...require(process.env.LOKY_FAULTS_TASKS ?? './tasks.cjs')});
