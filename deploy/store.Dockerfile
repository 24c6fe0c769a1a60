# The object store of docker-compose.yml, with a place for its files that it may write to.
FROM versity/versitygw:v1.0.18
RUN mkdir /data && chown 10002:10002 /data
COPY --chmod=555 store-entrypoint.sh /entrypoint.sh
USER 10002:10002
EXPOSE 7070
VOLUME /data
ENTRYPOINT ["/entrypoint.sh"]
CMD ["--port", ":7070", "--health", "/health", "posix", "/data"]
