namespace Onward.Runs.Tests;

public sealed class ProcessorsTests
{
    [Theory]
    [InlineData(8, 8, 1, 8)]
    [InlineData(8, 8, 3, 2)]
    [InlineData(2, 2, 4, 1)]
    [InlineData(1, 8, 2, 1)] // each rank bound to a core
    [InlineData(32, 64, 8, 8)] // each bound to one of two sockets
    public void Ranks_share_the_processors_of_their_machine(int usable, int online, int ranks, int expected) =>
        Assert.Equal(expected, Processors.ShareOf(usable, online, ranks));

    [Theory]
    [InlineData("0\n", 1)]
    [InlineData("0-1\n", 2)]
    [InlineData("0-3,8,10-11\n", 7)]
    [InlineData("", null)]
    [InlineData("3-1", null)]
    public void A_list_of_processors_is_counted(string list, int? expected) => Assert.Equal(expected, Processors.Count(list));
}
