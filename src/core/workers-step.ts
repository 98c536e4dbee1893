/** What to do where workers have to be replaced again and again. */
export const workersStep =
  'See with `candor events` why (`worker_lost` has the exception): for want of memory raise `workers.memory_max`; where another program listens at the port, end it; any other exception is a defect of Candor: report it with the event.';
