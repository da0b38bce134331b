using Onward.Training;

namespace Onward.Tests.Training;

public sealed class ExampleMemoryTests
{
    // Sizes differ a thousand times; each class has its share, and a rare one is kept whole.
    [Fact]
    public void Classes_of_any_size_and_order_have_equal_shares()
    {
        ExampleMemory memory = new(60, 1, seed: 1);
        int[] sizes = [5000, 8, 500, 3000];
        for (int label = 0; label < sizes.Length; label++)
        {
            memory.AddClass();
            for (int n = 0; n < sizes[label]; n++)
            {
                memory.Add([(byte)n], label);
            }
        }

        int[] counts = [.. Enumerable.Range(0, 4).Select(label => memory.Labels.Count(label))];
        Assert.Equal(60, counts.Sum());
        Assert.Equal(8, counts[1]);
        Assert.All([counts[0], counts[2], counts[3]], count => Assert.InRange(count, 17, 18));
    }

    // 20 of 100 numbers in 2,000 memories: each is kept in 400 of them, with a standard deviation of 18.
    [Fact]
    public void Each_past_example_of_a_class_has_the_same_chance()
    {
        int[] kept = new int[100];
        for (ulong seed = 0; seed < 2000; seed++)
        {
            ExampleMemory memory = new(20, 1, seed);
            memory.AddClass();
            for (int n = 0; n < kept.Length; n++)
            {
                memory.Add([(byte)n], 0);
            }

            for (int place = 0; place < memory.Count; place++)
            {
                kept[memory.Example(place)[0]]++;
            }
        }

        Assert.All(kept, times => Assert.InRange(times, 310, 490));
        Assert.InRange(kept[..50].Sum(), 19_300, 20_700);
    }

    [Fact]
    public void A_memory_without_room_keeps_nothing()
    {
        ExampleMemory memory = new(0, 1, seed: 1);
        memory.AddClass();
        memory.Add([1], 0);

        Assert.Equal(0, memory.Count);
        Assert.Equal([1L], memory.Seen);
    }
}
