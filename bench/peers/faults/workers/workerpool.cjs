require('workerpool').worker(require(process.env.LOKY_FAULTS_TASKS ?? './tasks.cjs'));
