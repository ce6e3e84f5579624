# The node on Debian 13: its Orthanc, the locked environment, nobody's root. State lives in the volume /state.
#   docker build -t inference-node .            (--build-arg INFERENCE_EXTRA=gpu for CUDA)
#   docker run -v node:/state -p 127.0.0.1:8042:8042 -p 4242:4242 inference-node
FROM debian:trixie-slim
ARG INFERENCE_EXTRA=cpu
WORKDIR /opt/inference-node
COPY pyproject.toml README.md LICENSE ./
COPY locks locks
COPY script script
COPY orthanc_plugin orthanc_plugin
# tini reaps what a killed worker leaves behind; Orthanc reaps only what it started.
RUN script/setup tini && rm -rf /var/lib/apt/lists/* /root/.cache
COPY orthanc.json ./
COPY onnx_models onnx_models
RUN useradd --system --home-dir /state inference && install -d -o inference -m 700 /state
USER inference
VOLUME /state
# Inside a container the loopback is nobody's: who reaches HTTP is decided by the ports that are published.
ENV INFERENCE_DATA=/state INFERENCE_REMOTE_ACCESS=true
EXPOSE 8042 4242
ENTRYPOINT ["tini", "--", "script/server"]
