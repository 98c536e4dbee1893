import type { OtlpStatus } from '../../core/schemas/status.ts';
import type { MetricsText } from './metrics-text.ts';

/** What the exporter of OTLP has done. */
export function addOtlpMetrics(text: MetricsText, signals: OtlpStatus['signals']): void {
  text.metric(
    'candor_otlp_exported_total',
    'Spans, log records and data points that the OTLP collector has taken, by signal.',
    signals.map(({ signal, exported }) => [{ signal }, exported]),
  );
  text.metric(
    'candor_otlp_dropped_total',
    'Spans, log records and data points that were dropped, so that no exchange was delayed, by signal and reason.',
    signals.flatMap(({ signal, dropped }) => dropped.map(({ reason, count }) => [{ signal, reason }, count] as const)),
  );
  text.metric(
    'candor_otlp_requests_failed_total',
    'Requests to the OTLP collector that it did not answer, or not with success, by signal.',
    signals.map(({ signal, failedRequests }) => [{ signal }, failedRequests]),
  );
}
