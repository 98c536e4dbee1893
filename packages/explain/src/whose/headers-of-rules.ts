/**
 * The headers that the rules read, for callers that can look a header up but not list them. Of families such as `x-kong-*` those that decide
 * about the author; the others only show that a response passed a layer.
 */
export const headersOfRules: readonly string[] = (
  'server via date proxy-status content-type content-length cache-control etag vary keep-alive set-cookie strict-transport-security ' +
  'x-content-type-options x-request-id x-powered-by x-aspnet-version x-aspnetmvc-version x-runtime x-rack-cache x-drupal-cache ' +
  'x-generator x-application-context x-nextjs-cache x-amz-request-id content-language grpc-status grpc-message x-cache cf-ray ' +
  'cf-cache-status cf-mitigated x-amz-cf-id x-amz-cf-pop x-amz-apigw-id apigw-requestid x-amzn-requestid x-amzn-errortype x-served-by ' +
  'x-timer x-fastly-request-id x-azure-ref x-cloud-trace-context report-to reporting-endpoints fly-request-id x-vercel-id ' +
  'x-vercel-cache x-vercel-error x-nf-request-id rndr-id x-render-routing x-render-origin-server x-railway-fallback x-varnish ' +
  'x-kong-response-latency x-kong-upstream-latency x-apisix-upstream-status x-envoy-upstream-service-time ' +
  'x-envoy-decorator-operation l5d-proxy-error'
).split(' ');
