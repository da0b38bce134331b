using System.Reflection;
using System.Text.RegularExpressions;
using Onward.Training;

namespace Onward.Tests;

/// <summary>The walk of a batch in <c>docs/internals/architecture.md</c> names members that exist.</summary>
public sealed partial class WalkTests
{
    [Fact]
    public void Every_hop_is_a_member()
    {
        string page = File.ReadAllText(Checkout.PathOf("docs", "internals", "architecture.md"));
        ILookup<string, Type> types = typeof(Trainer).Assembly.GetTypes().ToLookup(type => type.Name);
        string[] hops = [.. Hop().Matches(page).Select(hop => hop.Groups[1].Value)];

        Assert.InRange(hops.Length, 10, 16);
        Assert.All(hops, hop =>
        {
            string[] names = hop.Split('.');
            Assert.Contains(types[names[0]], type => type.GetMember(names[1], Everything).Length > 0);
        });
    }

    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    [GeneratedRegex(@"(?m)^\| \d+ \| `(\w+\.\w+)` \|")]
    private static partial Regex Hop();
}
