require('threads/worker').expose(require(process.env.LOKY_FAULTS_TASKS ?? './tasks.cjs'));
