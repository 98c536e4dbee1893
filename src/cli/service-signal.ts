export type ServiceSignal = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';
