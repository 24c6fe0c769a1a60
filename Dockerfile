# syntax=docker/dockerfile:1
# voicechat as one image: the instances and the one-shot preparation of docker-compose.yml.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# Before the code, which changes more often.
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-compile --requirement /tmp/requirements.txt
COPY . /app
WORKDIR /app
ENV VOICECHAT_STATIC_ROOT=/srv/static DJANGO_SETTINGS_MODULE=voicechat.settings
# Only for this command: nothing of it stays.
RUN DJANGO_SECRET_KEY=only-to-collect DJANGO_ALLOWED_HOSTS=localhost VOICECHAT_DATA_DIR=/tmp/data \
    python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q /app /opt/venv

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title=voicechat \
      org.opencontainers.image.description="A self-hosted voice chat server on Django Channels"
RUN groupadd --gid 10001 voicechat \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin voicechat \
    && install --directory --owner=10001 --group=10001 --mode=700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/static /srv/static
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=voicechat.settings \
    VOICECHAT_STATIC_ROOT=/srv/static \
    VOICECHAT_DATA_DIR=/data
USER 10001:10001
# The spool, and without a database of its own and a store, all that is kept.
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --retries=3 --start-period=60s \
    CMD ["python", "-m", "voicechat.healthcheck", "http://127.0.0.1:8000/readyz"]
CMD ["python", "-m", "voicechat.server", "--host", "0.0.0.0", "--port", "8000"]
