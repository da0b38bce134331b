using System.Net;

namespace Onward.Tests.Data;

/// <summary>Answers requests from a function of the address, and keeps the addresses asked for.</summary>
internal sealed class FakeMirrors(Func<Uri, HttpResponseMessage> answer) : HttpMessageHandler
{
    public List<Uri> Requests { get; } = [];

    public static HttpResponseMessage Bytes(byte[] content) => new(HttpStatusCode.OK) { Content = new ByteArrayContent(content) };

    public static HttpResponseMessage Stream(Stream content) => new(HttpStatusCode.OK) { Content = new StreamContent(content) };

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Requests.Add(request.RequestUri!);
        return Task.FromResult(answer(request.RequestUri!));
    }
}

/// <summary>A stream of zero bytes that runs an action at its end, such as throwing an exception.</summary>
internal sealed class BrokenStream(int length, Action atTheEnd) : MemoryStream(new byte[length])
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position == Length)
        {
            atTheEnd();
            cancellationToken.ThrowIfCancellationRequested();
        }

        return base.ReadAsync(buffer, cancellationToken);
    }
}
