<?php echo 'index';
