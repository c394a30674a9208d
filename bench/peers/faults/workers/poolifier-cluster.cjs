const {ClusterWorker} = require('poolifier');

module.exports = new ClusterWorker({...require(process.env.LOKY_FAULTS_TASKS ?? './tasks.cjs')});
