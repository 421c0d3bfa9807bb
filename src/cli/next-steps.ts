export function nextSteps(started: { url: string; kubeconfig: string; node: string | undefined }): string {
  const { url, kubeconfig, node } = started;
  const lines = [
    "",
    `Gantry is up at ${url}`,
    node === undefined ? "No local node: add one with `gantry agent`." : `Local node: ${node}`,
    "",
    "In another terminal:",
    `  export KUBECONFIG=${kubeconfig}`,
    "  kubectl get nodes",
    "  kubectl create deployment hello --image=busybox --replicas=3 -- sh -c 'echo hello; sleep 3600'",
    "  kubectl get pods -o wide",
    "",
    "Stop with Ctrl-C.",
    "",
  ];
  return `${lines.join("\n")}\n`;
}
