/** Events of others, kept beside the repository where they are kept at all. */
export const recordedFolder = new URL('../../../../shared/corpora/lambda-events/', import.meta.url)

export interface RecordedRequest {
  /** Method and URL, as the client used them. */
  readonly line: string
  readonly cookie: string | null
  /** `localhost` where the event names none. */
  readonly host: string
  readonly body: string
}

/** The request that each event, a file in `http`, was made of. */
export const recordedRequests: readonly (readonly [file: string, request: RecordedRequest])[] = [
  [
    'apigw_v2_proxy_request.json',
    {
      line: 'POST https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value',
      cookie: 'cookie1=value1; cookie2=value2',
      host: 'id.execute-api.us-east-1.amazonaws.com',
      body: 'Hello from Lambda',
    },
  ],
  [
    'apigw_v2_proxy_request_minimal.json',
    {
      line: 'GET https://xxx.execute-api.us-east-1.amazonaws.com/',
      cookie: null,
      host: 'xxx.execute-api.us-east-1.amazonaws.com',
      body: '',
    },
  ],
  [
    'apigw_v2_proxy_request_with_stage_in_path.json',
    {
      line: 'POST https://id.execute-api.us-east-1.amazonaws.com/my/path?parameter1=value1&parameter1=value2&parameter2=value',
      cookie: 'cookie1=value1; cookie2=value2',
      host: 'id.execute-api.us-east-1.amazonaws.com',
      body: 'Hello from Lambda',
    },
  ],
  [
    'apigw_v2_sam_local.json',
    { line: 'GET http://127.0.0.1:3000/hello', cookie: null, host: '127.0.0.1:3000', body: '' },
  ],
  [
    'lambda_function_url_request.json',
    {
      line: 'GET https://id.lambda-url.eu-west-2.on.aws/my/path?parameter1=value1&parameter1=value2&parameter2=value',
      cookie: 'test=hi',
      host: 'id.lambda-url.eu-west-2.on.aws',
      body: '',
    },
  ],
  [
    'apigw_request_path_with_space.json',
    {
      line: 'POST https://id.execute-api.us-east-1.amazonaws.com/my/path-with%20space?parameter1=value1&parameter1=value2&parameter2=value',
      cookie: 'cookie1=value1; cookie2=value2',
      host: 'id.execute-api.us-east-1.amazonaws.com',
      body: 'Hello from Lambda',
    },
  ],
  [
    'apigw_proxy_request.json',
    {
      line: 'GET https://wt6mne2s9k.execute-api.us-west-2.amazonaws.com/hello?name=me',
      cookie: null,
      host: 'wt6mne2s9k.execute-api.us-west-2.amazonaws.com',
      body: '',
    },
  ],
  [
    'apigw_multi_value_proxy_request.json',
    {
      line: 'POST https://gy415nuibc.execute-api.us-east-1.amazonaws.com/hello/world?name=me&multiValueName=you&multiValueName=me',
      cookie: null,
      host: 'gy415nuibc.execute-api.us-east-1.amazonaws.com',
      body: '{\r\n\t"a": 1\r\n}',
    },
  ],
  [
    'apigw_no_host.json',
    { line: 'GET https://localhost/hello?name=me', cookie: null, host: 'localhost', body: '' },
  ],
  [
    'alb_request.json',
    {
      line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=val2',
      cookie: 'cookies',
      host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
      body: '',
    },
  ],
  [
    'alb_request_encoded_query_parameters.json',
    {
      line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=%3FshowAll%3Dtrue',
      cookie: 'cookies',
      host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
      body: '',
    },
  ],
  [
    'alb_multi_value_request.json',
    {
      line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=val1&myKey=val2&myOtherKey=val3&myOtherKey=val4',
      cookie: 'name1=value1; name2=value2',
      host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
      body: '',
    },
  ],
  [
    'alb_multi_value_request_encoded_query_parameters.json',
    {
      line: 'GET https://lambda-846800462-us-east-2.elb.amazonaws.com/?myKey=%3FshowAll%3Dtrue&myKey=%3FshowAll%3Dfalse',
      cookie: 'name1=value1; name2=value2',
      host: 'lambda-846800462-us-east-2.elb.amazonaws.com',
      body: '',
    },
  ],
  ['alb_health_check.json', { line: 'GET https://localhost/', cookie: null, host: 'localhost', body: '' }],
  [
    'alb_no_host.json',
    { line: 'GET https://localhost/v1/health/', cookie: null, host: 'localhost', body: '' },
  ],
]
