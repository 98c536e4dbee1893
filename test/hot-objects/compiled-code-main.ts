/**
 * Run with V8 logging: plays varied exchanges until most code is compiled, and then 20,000 more. Prints when those
 * began, in microseconds since the start of the process.
 */
import { startInMemoryGateway } from '../../bench/in-memory-gateway.ts';
import { runVaried, variedSettings } from './varied-exchanges.ts';

const gateway = startInMemoryGateway(variedSettings);
runVaried(gateway, 8000);
const warmAtUs = Math.round(performance.now() * 1000);
runVaried(gateway, 20_000);
process.stdout.write(String(warmAtUs), () => process.exit(0));
