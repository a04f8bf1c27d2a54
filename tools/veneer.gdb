# For `make debug`: attaches to the stopped machine, runs to the hypervisor's first C function, and
# adds commands that print its state. The hypervisor's memory can be read only while a processor is
# in the hypervisor: break in it first, for example with `hbreak vp_run_root` or `hbreak panic`.

set pagination off
set confirm off
target remote localhost:1234

define partitions
    printf "partition %lu: %u VPs, guest OS id %016lx, hypercall MSR %016lx\n", \
        root_partition.id, root_partition.vp_count, \
        root_partition.guest_os_id, root_partition.hypercall_msr
end
document partitions
    Print the partitions.
end

define vps
    set $index = 0
    while $index < root_partition.vp_count
        set $vp = &root_partition.vps[$index]
        printf "VP %u: %lu exits, rax %016lx rcx %016lx rdx %016lx rbx %016lx, ", \
            $vp->index, $vp->exits.total, $vp->gpr[0], $vp->gpr[1], $vp->gpr[2], $vp->gpr[3]
        output (enum vp_state)$vp->state
        printf "\n"
        set $index = $index + 1
    end
end
document vps
    Print the virtual processors. General registers are those of the last exit.
end

# Hardware breakpoints: the image is not where its symbols say until paging is on.
thbreak hypervisor_main
continue
