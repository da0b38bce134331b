namespace Onward.Tests.Rules;

/// <summary>
/// Gradients of every rule on small networks, against recorded hashes: a change that should leave every bit the same leaves every hash.
/// </summary>
/// <remarks>
/// Hashes hold on every processor. To record them anew, run this class with ONWARD_RECORD_GOLDEN set to the path of GoldenGradients.txt in
/// the source.
/// </remarks>
public sealed class GoldenGradientTests
{
    private const string RecordVariable = "ONWARD_RECORD_GOLDEN";

    private static readonly int[] Threads = [1, 2, 3];

    private static readonly Dictionary<string, string> Recorded = Lines()
        .ToDictionary(NameOf, line => line.Split(' ')[0]);

    private static string? RecordPath => Environment.GetEnvironmentVariable(RecordVariable);

    /// <summary>Names of all cases: a line of GoldenGradients.txt for each.</summary>
    public static TheoryData<string> Names => [.. GoldenCase.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_as_recorded_with_any_number_of_threads(string name)
    {
        Assert.SkipWhen(RecordPath is not null, "Hashes are recorded.");
        Assert.True(Recorded.TryGetValue(name, out string? expected), $"'{name}' has no hash. Record it: set {RecordVariable}.");

        Assert.All(Threads, threads => Assert.Equal(expected, GoldenCase.All[name].HashOfGradients(threads)));
    }

    [Fact]
    public void Every_recorded_hash_is_of_a_case() => Assert.Empty(Lines().Select(NameOf).Except(GoldenCase.All.Keys));

    [Fact]
    public void Hashes_are_recorded_where_that_is_asked_for()
    {
        Assert.SkipWhen(RecordPath is null, $"{RecordVariable} is not set.");
        IEnumerable<string> lines = GoldenCase.All.Values.Select(golden => $"{golden.HashOfGradients(Threads[0])} {golden.Name}");

        File.WriteAllText(RecordPath!, string.Join('\n', lines) + '\n');
    }

    private static string NameOf(string line) => line.Split(' ', 2)[1];

    private static IEnumerable<string> Lines()
    {
        using StreamReader reader = new(typeof(GoldenGradientTests).Assembly.GetManifestResourceStream("GoldenGradients.txt")!);
        while (reader.ReadLine() is { } line)
        {
            yield return line;
        }
    }
}
