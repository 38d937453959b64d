export interface SynthOptions {
  /** Names the deployment: `dev`, `staging`, `prod`. Every stage has its own stack and its own storage. */
  readonly stage: string
  /** Where template and assets go (a CDK cloud assembly). */
  readonly outDir: string
}

export interface SynthResult {
  /** `<app>-<stage>`. */
  readonly stackName: string
  /** Absolute path of the CloudFormation template. */
  readonly templateFile: string
  /** Absolute path of the cloud assembly, for `cdk deploy --app <assembly>`. */
  readonly assembly: string
  /** What invokes each function, by its name. */
  readonly functions: Readonly<Record<string, string>>
  /** What the stack will export, by name: what it is. */
  readonly outputs: Readonly<Record<string, string>>
}
