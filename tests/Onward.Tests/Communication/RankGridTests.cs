using Onward.Communication;

namespace Onward.Tests.Communication;

public sealed class RankGridTests
{
    [Theory]
    [InlineData(new double[] { 1, 8, 8, 8 }, 2, new[] { 0, 2, 4 })]
    [InlineData(new double[] { 1, 8, 8, 8 }, 4, new[] { 0, 1, 2, 3, 4 })]
    [InlineData(new double[] { 5, 1, 1, 1 }, 2, new[] { 0, 1, 4 })]
    [InlineData(new double[] { 3 }, 1, new[] { 0, 1 })]
    public void Blocks_are_dealt_out_so_that_the_heaviest_part_is_as_light_as_can_be(double[] weights, int parts, int[] firsts) =>
        Assert.Equal(firsts, RankGrid.Balance(weights, parts));

    [Fact]
    public void Shares_of_a_batch_follow_one_another_and_differ_by_one_image_at_most()
    {
        (int First, int Images)[] shares = [.. Enumerable.Range(0, 4).Select(i => new BatchShare(i, 4).Of(10))];

        Assert.Equal([(0, 3), (3, 3), (6, 2), (8, 2)], shares);
    }

    [Fact]
    public void Every_process_has_the_peers_of_its_stage_and_the_chain_of_its_share() => ThreadRanks.Run(6, world =>
    {
        using RankGrid grid = new(world, shares: 2, stages: 3);

        Assert.Equal((world.Rank / 3, world.Rank % 3), (grid.Share.Index, grid.Stage));
        Assert.Equal((2, grid.Share.Index), (grid.Peers.Count, grid.Peers.Rank));
        Assert.Equal((3, grid.Stage), (grid.Chain.Count, grid.Chain.Rank));
    });

    [Fact]
    public void A_grid_has_a_place_for_every_process() =>
        Assert.Throws<ArgumentException>(() => new RankGrid(new SingleProcess(), 2, 1));

    [Fact]
    public void A_difference_between_processes_is_named_in_all_of_them() => ThreadRanks.Run(3, world =>
    {
        world.RequireSame("Colours", "green");
        RankMismatchException fault = Assert.Throws<RankMismatchException>(
            () => world.RequireSame("Colours", world.Rank == 2 ? "red" : "green"));

        Assert.Equal("Colours differ between processes: rank 0 has green, rank 2 has red.", fault.Message);
    });
}
