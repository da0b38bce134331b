using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Onward.Data;

namespace Onward.Tests.Data;

public sealed class MnistDownloadTests : IDisposable
{
    private const int FirstLength = 9_912_422;

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void The_four_files_are_fetched_once_and_progress_is_told()
    {
        string real = RealMnist.FolderOrSkip();
        FakeMirrors mirrors = new(address => FakeMirrors.Bytes(Serve(real, address)));
        Recorder progress = new();

        ImageDataset fetched = Source(mirrors).Load(null, progress, Token);
        ImageDataset cached = Source(mirrors).Load(null, null, Token);

        Assert.Equal((60_000, 10_000), (fetched.Training.Count, fetched.Test.Count));
        Assert.Contains("downloaded", fetched.Source);
        Assert.Equal(_folder["cache"], cached.Source);
        Assert.Equal(4, mirrors.Requests.Count);
        Assert.Equal(4, Directory.GetFiles(_folder["cache"]).Length);
        Assert.Contains(new DownloadProgress("train-images-idx3-ubyte.gz", FirstLength, FirstLength), progress.Seen);
    }

    [Fact]
    public void A_mirror_that_fails_is_left_for_the_next_one()
    {
        string real = RealMnist.FolderOrSkip();
        FakeMirrors mirrors = new(address => address.Host == "first.test"
            ? new HttpResponseMessage(HttpStatusCode.NotFound)
            : FakeMirrors.Bytes(Serve(real, address)));

        Source(mirrors).Load(null, null, Token);

        Assert.Equal(
            ["first.test", "second.test", "second.test", "second.test", "second.test"],
            mirrors.Requests.Select(address => address.Host));
    }

    [Fact]
    public void Wrong_bytes_are_refused() =>
        AssertUnavailable(_ => FakeMirrors.Bytes(new byte[FirstLength]), "SHA-256");

    [Fact]
    public void Too_few_bytes_are_refused() =>
        AssertUnavailable(_ => FakeMirrors.Bytes(new byte[70_000]), "ended after 70000 bytes, expected 9912422");

    [Fact]
    public void Bytes_without_end_are_refused() =>
        AssertUnavailable(_ => FakeMirrors.Bytes(new byte[FirstLength + 100_000]), "sent more than 9912422 bytes");

    [Fact]
    public void A_connection_lost_half_way_is_told() => AssertUnavailable(
        _ => FakeMirrors.Stream(new BrokenStream(70_000, () => throw new HttpIOException(HttpRequestError.ResponseEnded))),
        "first.test: ");

    [Fact]
    public void A_refused_connection_is_told_for_every_mirror() => AssertUnavailable(
        address => throw new HttpRequestException($"no route to {address.Host}", new SocketException()),
        "first.test: no route to first.test; second.test: no route to second.test");

    [Fact]
    public void An_answer_that_never_comes_is_told() =>
        AssertUnavailable(_ => throw new TaskCanceledException("timed out"), "first.test: timed out");

    [Fact]
    public void A_folder_that_cannot_be_written_is_told_as_that_and_no_other_mirror_is_asked()
    {
        _folder.Write("cache", []);

        AssertNotKept("cannot be stored in");
        Assert.Single(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_full_disk_is_told_as_that_and_no_other_mirror_is_asked()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Mounts are Linux's here.");
        Directory.CreateDirectory(_folder["cache"]);
        Assert.SkipUnless(Call("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _folder["cache"]), "Only root may mount a small disk.");
        try
        {
            AssertNotKept(
                $"train-images-idx3-ubyte.gz cannot be stored in {_folder["cache"]}: the disk is full. "
                + "Make the folder writable and leave 9.9 MB free, or put the published files there.");
            Assert.Empty(Directory.GetFiles(_folder["cache"]));
        }
        finally
        {
            Call("umount", _folder["cache"]);
        }
    }

    [Fact]
    public void What_killed_downloads_left_is_deleted_and_what_others_write_stays()
    {
        _folder.Write("cache/train-images-idx3-ubyte.gz.killed.partial", [1]);
        using FileStream other = new(_folder["cache/t10k-images-idx3-ubyte.gz.other.partial"], FileMode.CreateNew, FileAccess.Write);

        Assert.Throws<DownloadUnavailableException>(() => Source(new(_ => FakeMirrors.Bytes(new byte[1]))).Load(null, null, Token));

        Assert.Equal([other.Name], Directory.GetFiles(_folder["cache"]));
    }

    [Fact]
    public void Cancellation_leaves_nothing_behind()
    {
        using CancellationTokenSource cancellation = CancellationTokenSource.CreateLinkedTokenSource(Token);
        FakeMirrors mirrors = new(_ => FakeMirrors.Stream(new BrokenStream(70_000, cancellation.Cancel)));

        Assert.ThrowsAny<OperationCanceledException>(() => Source(mirrors).Load(null, null, cancellation.Token));

        Assert.Single(mirrors.Requests);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
    }

    public void Dispose() => _folder.Dispose();

    private static bool Call(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private void AssertNotKept(string expected)
    {
        FakeMirrors mirrors = new(_ => FakeMirrors.Bytes(new byte[FirstLength]));

        DownloadUnavailableException fault = Assert.Throws<DownloadUnavailableException>(() => Source(mirrors).Load(null, null, Token));

        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain("network", fault.Message);
        Assert.Single(mirrors.Requests);
    }

    private static byte[] Serve(string folder, Uri address) => File.ReadAllBytes(Path.Combine(folder, address.Segments[^1]));

    private void AssertUnavailable(Func<Uri, HttpResponseMessage> answer, string expected)
    {
        FakeMirrors mirrors = new(answer);

        DownloadUnavailableException fault = Assert.Throws<DownloadUnavailableException>(
            () => Source(mirrors).Load(null, null, Token));

        Assert.Contains(expected, fault.Message);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.Equal(["first.test", "second.test"], mirrors.Requests.Select(address => address.Host));
        Assert.DoesNotContain(
            Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories), file => file != _folder["cache"]);
    }

    private MnistSource Source(FakeMirrors mirrors) => new()
    {
        DataRoot = null,
        CacheDirectory = _folder["cache"],
        Mirrors = [new("http://first.test/mnist/"), new("http://second.test/mnist/")],
        Handler = mirrors,
    };

    private sealed class Recorder : IProgress<DownloadProgress>
    {
        public List<DownloadProgress> Seen { get; } = [];

        public void Report(DownloadProgress value) => Seen.Add(value);
    }
}
