/**
 * JobSet's part of the Kubernetes API, as far as deploy/k8s uses it (jobset.x-k8s.io/v1alpha2, API reference of JobSet 0.8). Its
 * jobs are Kubernetes' own. For the type checker alone: an unknown or misplaced field is an error.
 */

import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta";
import type { IJobTemplateSpec } from "kubernetes-models/batch/v1";

export interface IJobSet {
  readonly apiVersion: "jobset.x-k8s.io/v1alpha2";
  readonly kind: "JobSet";
  readonly metadata: IObjectMeta;
  readonly spec: {
    readonly network?: {
      readonly enableDNSHostnames?: boolean;
      readonly subdomain?: string;
      readonly publishNotReadyAddresses?: boolean;
    };
    readonly successPolicy?: { readonly operator: "All" | "Any"; readonly targetReplicatedJobs?: readonly string[] };
    readonly failurePolicy?: { readonly maxRestarts?: number };
    readonly replicatedJobs: readonly {
      readonly name: string;
      readonly replicas?: number;
      readonly template: IJobTemplateSpec;
    }[];
  };
}

/** A kustomization, as far as deploy/k8s uses it. */
export interface IKustomization {
  readonly apiVersion: "kustomize.config.k8s.io/v1beta1";
  readonly kind: "Kustomization";
  readonly namespace?: string;
  readonly resources: readonly string[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
  readonly labels?: readonly {
    readonly pairs: Readonly<Record<string, string>>;
    readonly includeSelectors?: boolean;
  }[];
  readonly images?: readonly { readonly name: string; readonly newName?: string; readonly newTag?: string }[];
  readonly patches?: readonly {
    readonly target: { readonly kind: string; readonly name?: string };
    readonly patch: string;
  }[];
}
