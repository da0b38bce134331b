using System.Diagnostics;
using System.Text;
using Onward.Formats;

namespace Onward.Tests.Formats;

/// <summary>Reading never waits for a pipe in place of a file. A pipe that the user named is read to its end.</summary>
public sealed class InputFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onward-input-").FullName;

    private string Pipe
    {
        get
        {
            Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes in folders.");
            string path = Path.Combine(_folder, "pipe");
            using Process make = Process.Start("mkfifo", path);
            make.WaitForExit();
            return path;
        }
    }

    [Fact]
    public void A_file_is_read()
    {
        string path = Path.Combine(_folder, "file");
        File.WriteAllText(path, "\uFEFFété");

        using FileStream file = InputFile.Open(path);

        Assert.Equal(File.ReadAllBytes(path).Length, file.Length);
        Assert.Equal("été", InputFile.ReadText(path));
        Assert.Equal("été", InputFile.ReadNamedText(path, TestContext.Current.CancellationToken));
        Assert.Null(InputFile.TryReadPipe(path, TestContext.Current.CancellationToken));
    }

    [Fact(Timeout = 60_000)]
    public async Task Pipes_folders_and_what_is_absent_are_refused_at_once()
    {
        string pipe = Pipe, absent = Path.Combine(_folder, "absent");
        await Task.Run(
            () =>
            {
                Assert.EndsWith(
                    "is a pipe or a terminal, not a file.", Assert.Throws<UnauthorizedAccessException>(() => InputFile.Open(pipe)).Message);
                Assert.Throws<UnauthorizedAccessException>(() => InputFile.ReadText(pipe));
                Assert.Throws<UnauthorizedAccessException>(() => InputFile.Open(_folder));
                Assert.Throws<FileNotFoundException>(() => InputFile.Open(absent));
                Assert.Throws<DirectoryNotFoundException>(() => InputFile.Open(Path.Combine(absent, "file")));
            },
            TestContext.Current.CancellationToken);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("idx")]
    [InlineData("model")]
    public async Task Readers_refuse_a_pipe_in_one_line(string reader)
    {
        string pipe = Pipe;
        Exception? fault = await Task.Run(
            () => Record.Exception(() =>
            {
                _ = reader == "idx" ? (object)Onward.Data.IdxFile.Read(pipe, pipe, 10) : Onward.Training.ModelFile.Load(pipe);
            }),
            TestContext.Current.CancellationToken);

        Assert.Equal($"{pipe}: access denied, or not a file. Check its permissions.", fault?.Message);
    }

    [Fact]
    public void A_device_without_end_is_empty()
    {
        Assert.SkipUnless(File.Exists("/dev/zero"), "No /dev/zero here.");

        Assert.Equal("", InputFile.ReadText("/dev/zero"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_pipe_that_was_named_is_read_to_its_end()
    {
        string pipe = Pipe;
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Task write = Task.Run(
            () =>
            {
                using FileStream end = new(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                end.Write(Encoding.UTF8.GetBytes(new string('x', 100_000)));
                end.Flush();
                Thread.Sleep(50);
                end.Write("end"u8);
            },
            cancellation);

        byte[]? read = await Task.Run(() => InputFile.TryReadPipe(pipe, cancellation), cancellation);
        await write;

        Assert.Equal(100_003, read?.Length);
        Assert.Equal("end", Encoding.UTF8.GetString(read!.AsSpan(100_000)));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_wait_for_a_pipe_can_be_ended()
    {
        string pipe = Pipe;
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(50));
        CancellationToken cancellation = soon.Token;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Task.Run(() => InputFile.TryReadPipe(pipe, cancellation), TestContext.Current.CancellationToken));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
