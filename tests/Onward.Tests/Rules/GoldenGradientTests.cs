using Onward.Kernels;

namespace Onward.Tests.Rules;

/// <summary>
/// Gradients of every rule on small networks, against recorded hashes: a change that should leave every bit the same leaves every hash.
/// </summary>
/// <remarks>
/// Hashes hold for one width of the vectors that kernels work on. To record those of this machine's width anew, run this class with
/// ONWARD_RECORD_GOLDEN set to the path of GoldenGradients.txt in the source; for 256 bits also with DOTNET_EnableAVX512=0.
/// </remarks>
public sealed class GoldenGradientTests
{
    private const string RecordVariable = "ONWARD_RECORD_GOLDEN";

    private static readonly int[] Threads = [1, 2, 3];

    private static readonly Dictionary<string, string> Recorded = Lines()
        .Where(line => line.StartsWith($"{Gemm.VectorBits} ", StringComparison.Ordinal))
        .ToDictionary(NameOf, line => line.Split(' ')[1]);

    private static string? RecordPath => Environment.GetEnvironmentVariable(RecordVariable);

    /// <summary>Names of all cases: a line of GoldenGradients.txt for each, at every width.</summary>
    public static TheoryData<string> Names => [.. GoldenCase.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_as_recorded_with_any_number_of_threads(string name)
    {
        Assert.SkipWhen(RecordPath is not null, "Hashes are recorded.");
        Assert.SkipWhen(
            Recorded.Count == 0, $"There are no hashes of vectors of {Gemm.VectorBits} bits: there is nothing to compare with.");
        Assert.True(Recorded.TryGetValue(name, out string? expected), $"'{name}' has no hash. Record it: set {RecordVariable}.");

        Assert.All(Threads, threads => Assert.Equal(expected, GoldenCase.All[name].HashOfGradients(threads)));
    }

    [Fact]
    public void Every_recorded_hash_is_of_a_case() => Assert.Empty(Lines().Select(NameOf).Except(GoldenCase.All.Keys));

    [Fact]
    public void Hashes_are_recorded_where_that_is_asked_for()
    {
        Assert.SkipWhen(RecordPath is null, $"{RecordVariable} is not set.");
        IEnumerable<string> others = File.ReadLines(RecordPath!)
            .Where(line => !line.StartsWith($"{Gemm.VectorBits} ", StringComparison.Ordinal));
        string[] lines =
        [
            .. others,
            .. GoldenCase.All.Values.Select(golden => $"{Gemm.VectorBits} {golden.HashOfGradients(Threads[0])} {golden.Name}"),
        ];

        File.WriteAllText(RecordPath!, string.Join('\n', lines) + '\n');
    }

    private static string NameOf(string line) => line.Split(' ', 3)[2];

    private static IEnumerable<string> Lines()
    {
        using StreamReader reader = new(typeof(GoldenGradientTests).Assembly.GetManifestResourceStream("GoldenGradients.txt")!);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
