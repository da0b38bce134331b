using System.Diagnostics;
using Onward.Fuzz;

namespace Onward.Cli.Tests;

/// <summary>The collection of tests that count the allocations of the whole process, and therefore run alone.</summary>
[CollectionDefinition(nameof(CountsAllocations), DisableParallelization = true)]
public sealed class CountsAllocations;

/// <summary>Some inputs of Onward.Fuzz for every reader, and the faults that Onward.Fuzz must detect.</summary>
[Collection(nameof(CountsAllocations))]
public sealed class FuzzTests : IDisposable
{
    private const int Inputs = 300;

    private readonly string _folder = Directory.CreateTempSubdirectory("onward-fuzz-").FullName;

    [Fact]
    public void Every_reader_reads_a_damaged_file_or_refuses_it_in_one_line()
    {
        List<Failure> failures = [];
        foreach (Reader reader in Readers.All(_folder))
        {
            FuzzRun run = new(reader, seed: 7, Path.Combine(_folder, reader.Name), failures.Add);
            run.Run(0, Inputs);
            Assert.True(
                failures.Count > 0 || (run.Accepted > 0 && run.Refused > 0),
                $"{reader.Name}: {run.Accepted} accepted, {run.Refused} refused");
        }

        Assert.Empty(failures);
    }

    [Fact]
    public void An_input_is_a_function_of_reader_seed_and_number()
    {
        IReadOnlyList<Reader> first = Readers.All(_folder), second = Readers.All(_folder);
        foreach ((Reader one, Reader other) in first.Zip(second))
        {
            Assert.All(
                one.Seeds.SelectMany(files => files).Zip(other.Seeds.SelectMany(files => files)),
                pair => Assert.True(pair.First.Content.SequenceEqual(pair.Second.Content), pair.First.Name));
            Assert.All(Enumerable.Range(0, Inputs), i => Assert.Equal(one.MakeInput(3, i).Content, other.MakeInput(3, i).Content));
            Assert.True(
                Enumerable.Range(0, Inputs).Select(i => Convert.ToHexString(one.MakeInput(3, i).Content)).Distinct().Count() > Inputs / 2,
                one.Name);
        }
    }

    [Theory]
    [InlineData("allocation", "allocation", "134 MB allocated for")]
    [InlineData("fault", "InvalidOperationException", "System.InvalidOperationException: unforeseen")]
    [InlineData("two-lines", "message", "the message has several lines")]
    [InlineData("no-name", "message", "the message names no file: a file is damaged")]
    public void What_no_reader_may_do_is_found(string reader, string kind, string detail)
    {
        List<Failure> failures = [];

        new FuzzRun(FaultyReaders.All.First(one => one.Name == reader), 5, _folder, failures.Add).Run(0, 2);

        Failure found = Assert.Single(failures);
        Assert.Equal((1, kind), (found.Index, found.Kind));
        Assert.StartsWith(detail, found.Detail);
    }

    [Theory]
    [InlineData("hang", "hang: no end after")]
    [InlineData("crash", "crash: the process ended with")]
    [InlineData("memory", "memory: the process holds more than 1000 MB")]
    public void What_ends_a_process_is_found_and_can_be_repeated(string reader, string expected)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Onward.Fuzz.dll");
        string[] words = [program, "--reader", reader, "--inputs", "2", "--seed", "5", "--failures", _folder];
        ProcessStartInfo start = new("dotnet", words) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();

        Assert.Equal(1, process.ExitCode);
        Assert.Contains($"{reader}, 1 times: {expected}", output);
        Assert.Contains($"--reader {reader} --seed 5 --index 1", output);
        Assert.Single(Directory.GetFiles(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
